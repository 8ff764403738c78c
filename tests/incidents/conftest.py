"""What `make mutants` asks for, which runs these tests thousands of times."""

from hypothesis import Phase, settings

# A twentieth of the cases, the same ones each time, and none made smaller.
settings.register_profile("brief", max_examples=5, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
