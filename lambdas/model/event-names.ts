/** The `source` of every event that this project puts on its bus. */
export const EVENT_SOURCE = 'cspm-auto-remediation';

/** The `detail-type` of the events whose detail is an `OutcomeEvent`. */
export const FINDING_OUTCOME = 'Finding Outcome';

/** The `detail-type` of the events whose detail is a `JobEvent`. */
export const JOB_OUTCOME = 'Job Outcome';

/** The `detail-type` of the events whose detail is a `FindingNotice`. */
export const FINDING_NOTICE = 'Finding Notice';

/** The `detail-type` of the events whose detail is a `RoleMissingEvent`. */
export const TARGET_ROLE_MISSING = 'Target Role Missing';

/** The `detail-type` of the events whose detail is a `Notice`. */
export const RULE_HELD_BACK = 'Rule Held Back';
