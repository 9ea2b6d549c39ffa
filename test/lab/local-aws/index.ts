export { type LocalAwsInstallation, prepareLocalAws } from './install.ts';
export { type LocalAws, type LocalAwsOptions, SERVICE_CALL_TOKEN, startLocalAws } from './server.ts';
