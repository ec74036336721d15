"""Supervised fine-tuning and DPO around TRL's trainers; no Ray here."""
