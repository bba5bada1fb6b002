"""The demo clinic: Klinik Batam Sehat with staff, patients, a year of visits and a day that is under way."""
