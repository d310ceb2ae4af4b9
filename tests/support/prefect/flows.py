"""Flows that a test serves, with faults that it switches: files in a folder."""

import os
import pathlib
import time

from prefect import flow, pause_flow_run, serve, task

# Each run is a process of its own, which is given the environment and no arguments.
FAULTS = pathlib.Path(os.environ["TEST_FAULTS"])


def fault(name: str) -> bool:
    return (FAULTS / name).exists()


@task
def allocate_network(tenant: str) -> str:
    return tenant


@task
def create_database(tenant: str) -> None:
    if fault("database"):
        raise RuntimeError(f"connect ECONNREFUSED db-primary:5432 while creating {tenant}")


@task(retries=10, retry_delay_seconds=600)
def publish_dns() -> None:
    raise RuntimeError("SERVFAIL from dns-api")


@task
def wait(seconds: float) -> None:
    time.sleep(seconds)


@flow(name="tenant-provisioning")
def tenant_provisioning(tenant: str = "acme") -> None:
    allocate_network(tenant)
    create_database(tenant)


@flow(name="dns-cutover")
def dns_cutover() -> None:
    publish_dns()


@flow(name="backup-verify")
def backup_verify() -> None:
    allocate_network("acme")
    pause_flow_run(timeout=3600, poll_interval=1)
    wait(0.1)


@flow(name="cert-rotation")
def cert_rotation() -> None:
    for _ in range(900):
        wait(1)


if __name__ == "__main__":
    flows = (tenant_provisioning, dns_cutover, backup_verify, cert_rotation)
    serve(*[served.to_deployment(name="prod", tags=["control-plane"]) for served in flows], limit=20)
