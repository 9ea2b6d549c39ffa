export { Organization, type OrganizationOptions } from './organization.ts';
export { type StackSetsOptions, type StackSetsSimulation, startStackSets } from './simulation.ts';
