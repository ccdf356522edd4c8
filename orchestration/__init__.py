"""The Dagster code location of the channel-rebate warehouse (see docs/architecture.md)."""
