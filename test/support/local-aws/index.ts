export { type LocalAwsInstallation, prepareLocalAws } from './install.ts';
export { type LocalAws, type LocalAwsOptions, startLocalAws } from './server.ts';
