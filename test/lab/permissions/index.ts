export { knownCalls, mergeCalls, requirementsOf, UnknownCallError } from './call-map.ts';
export { type Delivery, DeliveryJudge } from './deliveries.ts';
export type { DenialReason } from './denial.ts';
export { type JudgeOptions, PermissionJudge, type RoleSession, type Verdict } from './judge.ts';
export { KeyJudge, type KeyUse } from './keys.ts';
export { lintPolicy } from './lint.ts';
export { allowedActions, type PolicyDocument, parsePolicy } from './policy.ts';
export { type Requirement, requirement, type StateLookups } from './requirement.ts';
