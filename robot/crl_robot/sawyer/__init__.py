"""The Sawyer arm behind rosbridge."""
