"""Who speaks and who listens: models, teachers, files, recognisers; the stages of a run."""
