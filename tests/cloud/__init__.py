"""The cloud for tests: EC2, Auto Scaling, SSM and STS as the provider uses them, in one process on loopback.

`README.md` beside this file says how to start and control it, and what it does not cover.
"""
