"""Tests of the cloud, through boto3: what AWS's own client makes of its answers."""
