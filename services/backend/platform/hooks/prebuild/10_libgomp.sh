#!/bin/sh
# Run by Elastic Beanstalk as root before the new version is installed: LightGBM, which answers logged predictions again, links against libgomp.
set -eu
/sbin/ldconfig -p | grep -q 'libgomp\.so\.1' || dnf install --assumeyes libgomp
