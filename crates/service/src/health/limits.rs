//! The thresholds of all checks, from `performance.health`.

use ohfp_broker::Errors;
use ohfp_keys::Thresholds;
use ohfp_resolver::Settings;
use ohfp_resolver::settings::key_table;
use ohfp_resolver::settings::words::Impact;

/// The section of the keys.
const SECTION: &str = "performance.health";

/// A field for each key, in the key's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HealthLimits {
    pub(crate) startup: Thresholds,
    pub(crate) first_access: Thresholds,
    pub(crate) memory: Thresholds,
    pub(crate) failed_loads: Thresholds,
    pub(crate) unused_snapshot: Impact,
    pub(crate) store_time: Thresholds,
    pub(crate) store_size: Thresholds,
    pub(crate) store_log: Thresholds,
    pub(crate) provider: Thresholds,
    pub(crate) log: Thresholds,
    pub(crate) disk: Thresholds,
    pub(crate) inodes: Thresholds,
    pub(crate) clock: Thresholds,
}

impl HealthLimits {
    /// Reads them.
    ///
    /// # Errors
    /// [`ErrorKind::Input`](ohfp_broker::ErrorKind::Input) for each threshold that is not allowed: a check against
    /// another one than the site wants would be worse than none.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Errors> {
        let wrong = settings.problems(SECTION);
        if !wrong.is_empty() {
            return Err(wrong.into());
        }
        Ok(Self::lenient(settings))
    }

    /// The same with the default where a threshold is not allowed.
    pub(crate) fn lenient(settings: &Settings) -> Self {
        Self {
            startup: settings.of(&key_table::HEALTH_STARTUP),
            first_access: settings.of(&key_table::HEALTH_FIRST_ACCESS),
            memory: settings.of(&key_table::HEALTH_MEMORY),
            failed_loads: settings.of(&key_table::HEALTH_FAILED_LOADS),
            unused_snapshot: settings.of(&key_table::HEALTH_SNAPSHOT),
            store_time: settings.of(&key_table::HEALTH_STORE_TIME),
            store_size: settings.of(&key_table::HEALTH_STORE_SIZE),
            store_log: settings.of(&key_table::HEALTH_STORE_LOG),
            provider: settings.of(&key_table::HEALTH_PROVIDER),
            log: settings.of(&key_table::HEALTH_LOG),
            disk: settings.of(&key_table::HEALTH_DISK),
            inodes: settings.of(&key_table::HEALTH_INODES),
            clock: settings.of(&key_table::HEALTH_CLOCK),
        }
    }
}
