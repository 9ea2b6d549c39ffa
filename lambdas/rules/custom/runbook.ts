import type { CustomDocument, CustomRunbook } from '../../model/custom-rule.ts';
import type { Permission } from '../permission.ts';
import { type DocumentRun, followPermission, type Runbook, startPermissions } from '../runbook.ts';
import { fill } from './placeholders.ts';

function runOf({ document, version, parameters }: CustomDocument): DocumentRun {
  return {
    version,
    documentIn: (place) => fill(document, place),
    parametersFor: (place) =>
      Object.fromEntries(
        Object.entries(parameters).map(([name, values]) => [name, values.map((value) => fill(value, place))]),
      ),
  };
}

/** Creates the runbook of a custom rule, whose document can be any Systems Manager document. */
export function customRunbook(runbook: CustomRunbook, permissions: readonly Permission[]): Runbook {
  return {
    document: runbook.document,
    partitions: ['aws', 'aws-us-gov', 'aws-cn', 'aws-eusc'],
    parameters: () => ({}),
    run: runOf(runbook),
    ...(runbook.undo !== undefined && { undo: runOf(runbook.undo) }),
    permissions,
    documentation: { reference: '', closes: '', limits: '' },
  };
}

/** Returns the permissions with which an undo's session starts and follows the undo document. */
export function undoPermissions({ undo }: CustomRunbook): readonly Permission[] {
  if (undo === undefined) return [];
  const started = customRunbook(undo, []);
  return [...startPermissions(started), followPermission(started)];
}
