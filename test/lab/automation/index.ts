export { judgeTrustPolicy, type TrustJudge, type TrustQuestion } from './automation-role.ts';
export { DOCUMENT_VERSION } from './document.ts';
export type { AutomationExecution, ExecutionStatus, StepExecution } from './execution.ts';
export type { AutomationFault, StepEffect } from './faults.ts';
export { type ServicePrincipal, servicePrincipalOf } from './service-principal.ts';
export {
  type AutomationInjection,
  type AutomationOptions,
  type AutomationQuotas,
  type AutomationSimulation,
  startAutomation,
} from './simulation.ts';
