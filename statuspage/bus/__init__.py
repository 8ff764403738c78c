"""How results reach the pipeline, from this process or from probers elsewhere."""
