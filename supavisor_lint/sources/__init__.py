"""What comes from outside: settings, the files to look at, their text, their suppression comments."""
