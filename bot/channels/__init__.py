"""渠道 channels: one file per source of events; everything foreign is opened, checked and translated here."""
