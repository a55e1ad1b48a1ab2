//! What ends machines, fleets and their launches, on the wire.

use ohfp_provider_aws::api::Api;

use crate::server::{Server, answer, check, within};

#[test]
fn endings() {
    let ids = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    let terminated = "<instancesSet><item><instanceId>i-1</instanceId><currentState><code>32</code>\
                      <name>shutting-down</name></currentState></item></instancesSet>";
    let server = Server::start([answer("TerminateInstances", terminated)]);
    let changes = server.client().terminate_instances(&ids(&["i-1"]), within(20)).unwrap();
    assert_eq!((changes[0].id.as_str(), changes[0].state.as_str()), ("i-1", "shutting-down"));
    check(&server, ["Action=TerminateInstances", "InstanceId.1=i-1"]);

    let server = Server::start([answer("ModifyFleet", "<return>true</return>")]);
    server.client().stop_fleet("fleet-1", within(20)).unwrap();
    check(
        &server,
        [
            "Action=ModifyFleet",
            "FleetId=fleet-1",
            "ExcessCapacityTerminationPolicy=no-termination",
            "TargetCapacitySpecification.TotalTargetCapacity=0",
            "TargetCapacitySpecification.OnDemandTargetCapacity=0",
            "TargetCapacitySpecification.SpotTargetCapacity=0",
        ],
    );

    let server = Server::start([answer("ModifySpotFleetRequest", "<return>true</return>")]);
    server.client().stop_spot_fleet("sfr-1", within(20)).unwrap();
    check(
        &server,
        [
            "Action=ModifySpotFleetRequest",
            "SpotFleetRequestId=sfr-1",
            "ExcessCapacityTerminationPolicy=noTermination",
            "TargetCapacity=0",
            "OnDemandTargetCapacity=0",
        ],
    );

    let gone = "<unsuccessfulFleetDeletionSet><item><error><code>fleetIdDoesNotExist</code><message>no</message>\
                </error><fleetId>fleet-1</fleetId></item></unsuccessfulFleetDeletionSet>";
    let server = Server::start([answer("DeleteFleets", gone)]);
    server.client().delete_fleets(&ids(&["fleet-1"]), false, within(20)).unwrap();
    check(&server, ["Action=DeleteFleets", "FleetId.1=fleet-1", "TerminateInstances=false"]);
    let failed = gone.replace("fleetIdDoesNotExist", "unexpectedError");
    let server = Server::start([answer("DeleteFleets", &failed)]);
    let failure = server.client().delete_fleets(&ids(&["fleet-1"]), true, within(20)).unwrap_err();
    assert_eq!(failure.code(), Some("unexpectedError"));
    check(&server, ["Action=DeleteFleets", "FleetId.1=fleet-1", "TerminateInstances=true"]);
}
