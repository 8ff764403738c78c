"""Calendar arithmetic: spans, rules that repeat, hours of service. Knows no incident."""
