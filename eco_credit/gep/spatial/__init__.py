"""Rasters and parcels to accounts (extra ``geo``).

Importing this package loads no geodata library; running a job does.
"""

from eco_credit.gep.spatial.invest import invest_layers
from eco_credit.gep.spatial.job import Job, job_of, read_job
from eco_credit.gep.spatial.picture import picture
from eco_credit.gep.spatial.raster_account import RasterAccount, raster_account

__all__ = ["Job", "RasterAccount", "invest_layers", "job_of", "picture", "raster_account", "read_job"]
