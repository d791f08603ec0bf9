"""OGBench's environments and data sets behind the commands of this project; needs the extra 'ogbench'."""
