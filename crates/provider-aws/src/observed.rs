//! A machine of EC2 in the broker's terms.

use ohfp_broker::provider::Instance;
use ohfp_broker::{MachineId, MachineState};

use crate::api::Ec2Instance;
use crate::tags;

/// Reasons for which AWS, and no person, ends a machine that was up.
const TAKEN: &[&str] = &[
    "Server.SpotInstanceTermination",
    "Server.SpotInstanceShutdown",
    "Server.ScheduledStop",
    "Server.InstanceInitiatedShutdown",
];

/// The machine as the broker knows machines.
pub(crate) fn instance(seen: &Ec2Instance) -> Instance {
    let state = state(&seen.state);
    let name = seen.private_dns_name.clone().filter(|name| !name.is_empty());
    let reason = reason(seen).filter(|_| state != MachineState::Pending && state != MachineState::Running);
    Instance {
        name,
        state,
        private_ip: seen.private_ip.clone(),
        public_ip: seen.public_ip.clone(),
        instance_type: seen.instance_type.clone(),
        price_type: Some(if seen.is_spot { "spot" } else { "ondemand" }.to_owned()),
        resource_id: resource(seen).map(str::to_owned),
        cores: seen.cores,
        threads_per_core: seen.threads_per_core,
        launched: seen.launched,
        reclaimed: seen.state_reason_code.as_deref().is_some_and(|code| TAKEN.contains(&code)),
        reason,
        ..Instance::new(MachineId::new(seen.id.as_str()))
    }
}

/// Whether a machine is neither ended nor on its way there.
pub(crate) fn is_alive(seen: &Ec2Instance) -> bool {
    !matches!(seen.state.as_str(), "shutting-down" | "terminated")
}

/// A state that is not known is taken for one that ends nothing.
fn state(name: &str) -> MachineState {
    match name {
        "running" => MachineState::Running,
        "stopping" => MachineState::Stopping,
        "stopped" => MachineState::Stopped,
        "shutting-down" => MachineState::ShuttingDown,
        "terminated" => MachineState::Terminated,
        _ => MachineState::Pending,
    }
}

/// The fleet, spot fleet or group that made it.
fn resource(seen: &Ec2Instance) -> Option<&str> {
    [tags::FLEET, tags::SPOT_FLEET, tags::GROUP]
        .iter()
        .find_map(|tag| seen.tags.get(*tag))
        .map(String::as_str)
}

/// `Server.InternalError: Internal error on launch`; EC2's message mostly begins with the code.
fn reason(seen: &Ec2Instance) -> Option<String> {
    match (&seen.state_reason_code, &seen.state_reason) {
        (Some(code), Some(text)) if !text.starts_with(code.as_str()) => Some(format!("{code}: {text}")),
        (_, Some(text)) => Some(text.clone()),
        (code, None) => code.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(state: &str, code: Option<&str>, text: Option<&str>) -> Ec2Instance {
        Ec2Instance {
            id: "i-1".to_owned(),
            state: state.to_owned(),
            state_reason_code: code.map(str::to_owned),
            state_reason: text.map(str::to_owned),
            ..Ec2Instance::default()
        }
    }

    #[test]
    fn states_and_reasons() {
        let spot = "Server.SpotInstanceTermination: Spot instance termination";
        for (state, code, text, now, reclaimed, reason) in [
            ("pending", Some("pending"), Some("pending"), MachineState::Pending, false, None),
            ("running", None, None, MachineState::Running, false, None),
            ("rebooting", None, None, MachineState::Pending, false, None),
            ("stopping", None, None, MachineState::Stopping, false, None),
            (
                "stopped",
                Some("Client.UserInitiatedShutdown"),
                None,
                MachineState::Stopped,
                false,
                Some("Client.UserInitiatedShutdown"),
            ),
            (
                "shutting-down",
                Some("Server.SpotInstanceTermination"),
                Some(spot),
                MachineState::ShuttingDown,
                true,
                Some(spot),
            ),
            (
                "terminated",
                Some("Client.InternalError"),
                Some("Client error on launch"),
                MachineState::Terminated,
                false,
                Some("Client.InternalError: Client error on launch"),
            ),
            ("terminated", None, None, MachineState::Terminated, false, None),
        ] {
            let found = instance(&seen(state, code, text));
            assert_eq!(
                (found.state, found.reclaimed, found.reason.as_deref()),
                (now, reclaimed, reason),
                "{state}"
            );
        }
    }

    #[test]
    fn names_prices_and_resources() {
        let mut machine = seen("running", None, None);
        machine.private_dns_name = Some(String::new());
        assert_eq!(instance(&machine).name, None, "an empty name is none");
        machine.private_dns_name = Some("ip-10-0-0-1.ec2.internal".to_owned());
        machine.is_spot = true;
        assert_eq!(instance(&machine).name.as_deref(), Some("ip-10-0-0-1.ec2.internal"));
        assert_eq!(instance(&machine).price_type.as_deref(), Some("spot"));
        assert_eq!(instance(&machine).resource_id, None);
        for tag in [tags::FLEET, tags::SPOT_FLEET, tags::GROUP] {
            machine.tags = [(tag.to_owned(), "x-1".to_owned())].into();
            assert_eq!(instance(&machine).resource_id.as_deref(), Some("x-1"), "{tag}");
        }
    }
}
