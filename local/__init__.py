"""The whole system on one machine: embedded AWS, event source poller, API and page servers."""
