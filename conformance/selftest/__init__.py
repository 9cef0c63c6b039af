"""The suite's own figures: mistakes caught, false alarms, and sensitivity."""
