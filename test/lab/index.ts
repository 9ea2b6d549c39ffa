/** The laboratory's door. README.md beside this file says what is behind it. */
export type { AccountBuilder } from './accounts/account-builder.ts';
export { Deployment, type Poll } from './deployed/deployment.ts';
export { type ClientSettings, type Lab, type LabOptions, startLab } from './lab.ts';
export { type LabRuleId, labRuleIds } from './rules/index.ts';
