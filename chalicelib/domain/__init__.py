"""Pure logic: functions of values, without AWS, environment, clock or randomness."""
