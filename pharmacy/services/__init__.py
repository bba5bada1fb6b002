"""What changes in the pharmacy: stock, prescribing, pricing, dispensing. Import the module that is meant."""
