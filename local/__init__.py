"""The whole system on one machine: embedded AWS, pollers, API and page servers, and producer."""
