"""What people and programs ask: search, golden record, why, and the stewards' review desk."""
