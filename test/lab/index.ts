/** Entry point of the lab, which README.md in this folder describes. */
export type { AccountBuilder } from './accounts/account-builder.ts';
export { Deployment, type Poll } from './deployed/deployment.ts';
export { type ClientSettings, type Lab, type LabOptions, startLab } from './lab.ts';
export { type LabRuleId, labRuleIds } from './rules/index.ts';
