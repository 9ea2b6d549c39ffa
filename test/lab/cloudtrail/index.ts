export { startCloudTrail } from './simulation.ts';
