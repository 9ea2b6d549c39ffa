import { randomUUID } from 'node:crypto';
import type { Capability } from '@aws-sdk/client-cloudformation';
import type { AccountStacks, StackContents } from './account-stacks.ts';
import {
  ApiError,
  type AutoDeployment,
  type DeploymentTargets,
  invalid,
  type Requests,
  type Tag,
} from './api.ts';
import { Operation, type OperationAction, type OperationRequest, type StackInstance } from './operation.ts';
import type { AccountMove, Organization } from './organization.ts';
import { checkCapabilities } from './template.ts';

export interface StackSetContext {
  readonly organization: Organization;
  readonly stacks: AccountStacks;
  readonly region: string;
}

/** A service-managed StackSet. It belongs to the management account, whoever created it. */
export class StackSet {
  readonly name: string;
  readonly id: string;
  readonly arn: string;
  readonly region: string;
  readonly #organization: Organization;
  readonly #stacks: AccountStacks;
  readonly #instances: StackInstance[] = [];
  readonly #operations: Operation[] = [];
  /** Units whose accounts get a stack when they join, and its region. */
  #targets: { readonly unit: string; readonly region: string }[] = [];
  /** Resolved when all operations have ended. */
  #end: Promise<void> = Promise.resolve();
  description: string | undefined;
  template: string;
  capabilities: readonly Capability[];
  tags: readonly Tag[];
  autoDeployment: AutoDeployment;
  isManagedExecution: boolean;

  constructor({ organization, stacks, region }: StackSetContext, request: Requests['CreateStackSet']) {
    this.name = request.StackSetName;
    this.id = `${this.name}:${randomUUID()}`;
    this.arn = `arn:aws:cloudformation:${region}:${organization.managementAccount}:stackset/${this.id}`;
    this.region = region;
    this.#organization = organization;
    this.#stacks = stacks;
    checkCapabilities(request.TemplateBody, request.Capabilities);
    this.description = request.Description;
    this.template = request.TemplateBody;
    this.capabilities = request.Capabilities;
    this.tags = request.Tags;
    this.autoDeployment = request.AutoDeployment ?? { Enabled: false };
    this.isManagedExecution = request.ManagedExecution?.Active ?? false;
  }

  get instances(): readonly StackInstance[] {
    return this.#instances;
  }

  get isBusy(): boolean {
    return this.#operations.some(({ endedAt }) => endedAt === undefined);
  }

  get units(): string[] {
    return [...new Set(this.#targets.map(({ unit }) => unit))];
  }

  get regions(): string[] {
    return [...new Set(this.#instances.map(({ region }) => region))];
  }

  /** Resolves when nothing is in progress. */
  async idle(): Promise<void> {
    while (this.isBusy) await this.#end;
  }

  /** @throws ApiError */
  operation(id: string): Operation {
    const found = this.#operations.find(({ request }) => request.id === id);
    if (found !== undefined) return found;
    throw new ApiError('OperationNotFoundException', `Operation ${id} not found`);
  }

  /** @throws ApiError */
  update(request: Requests['UpdateStackSet']): Operation {
    checkCapabilities(request.TemplateBody, request.Capabilities);
    this.#refuseWhileBusy();
    this.description = request.Description ?? this.description;
    this.template = request.TemplateBody;
    this.capabilities = request.Capabilities;
    this.tags = request.Tags ?? this.tags;
    this.autoDeployment = request.AutoDeployment ?? this.autoDeployment;
    this.isManagedExecution = request.ManagedExecution?.Active ?? this.isManagedExecution;
    return this.#start('UPDATE', request, {
      instances: () => this.#instances.filter(({ status }) => status !== 'INOPERABLE'),
      work: (instance) => this.#deploy(instance),
    });
  }

  /** @throws ApiError */
  createInstances(request: Requests['CreateStackInstances']): Operation {
    const units = this.#unitsOf(request);
    const targets = request.DeploymentTargets ?? {};
    const { AccountFilterType: filter, Accounts: accounts = [] } = targets;
    if (filter === 'UNION') throw invalid('UNION is not supported for CreateStackInstances');
    if (filter === undefined && accounts.length > 0) {
      throw invalid('AccountFilterType must be specified with OrganizationalUnitIds and Accounts');
    }
    const unknown = units.find((unit) => !this.#organization.has(unit));
    if (unknown !== undefined) throw invalid(`Organizational unit ${unknown} not found`);
    this.#refuseWhileBusy();
    for (const unit of units) {
      for (const region of request.Regions) this.#addTarget(unit, region);
    }
    return this.#start('CREATE', request, {
      units,
      instances: () =>
        units.flatMap((unit) =>
          this.#organization
            .accountsOf(unit)
            .filter((account) => isChosen(targets, account))
            .flatMap((account) => request.Regions.flatMap((region) => this.#instance(account, region, unit))),
        ),
      work: (instance) => this.#deploy(instance),
    });
  }

  /** @throws ApiError */
  deleteInstances(request: Requests['DeleteStackInstances']): Operation {
    const units = this.#unitsOf(request);
    const targets = request.DeploymentTargets ?? {};
    const isOf = ({ unit, region }: { readonly unit: string; readonly region: string }): boolean =>
      units.some((one) => this.#organization.isWithin(unit, one)) && request.Regions.includes(region);
    if (![...this.#targets, ...this.#instances].some(isOf)) {
      throw invalid(`Organizational unit ${units.join(', ')} not found in StackSet`);
    }
    this.#refuseWhileBusy();
    return this.#start(
      'DELETE',
      request,
      {
        units,
        retainStacks: request.RetainStacks,
        instances: () => this.#instances.filter((one) => isOf(one) && isChosen(targets, one.account)),
        work: (instance) => this.#remove(instance, request.RetainStacks),
      },
      () => {
        // AWS does not document the case of a unit in which a filter has kept accounts: here, it stays a target while it has any.
        this.#targets = this.#targets.filter((target) => !isOf(target) || this.#instances.some(isOf));
      },
    );
  }

  /**
   * Creates the stack of an account that has joined a target, and deletes that of one that has left. Account filters do not
   * apply, nor do operation preferences.
   * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-manage-auto-deployment.html
   */
  follow({ account, before, after }: AccountMove): void {
    const { Enabled, RetainStacksOnAccountRemoval = false } = this.autoDeployment;
    if (!Enabled) return;
    for (const { unit, region } of this.#targets) {
      if (before.includes(unit) || !after.includes(unit)) continue;
      this.#start(
        'CREATE',
        {},
        {
          units: [unit],
          // It may have left again in the meantime.
          instances: () =>
            this.#organization.accountsOf(unit).includes(account)
              ? this.#instance(account, region, unit)
              : [],
          work: (instance) => this.#deploy(instance),
        },
      );
    }
    const left = this.#instances.filter((one) => one.account === account && !after.includes(one.unit));
    for (const instance of left) {
      const other = this.#targets.find(
        ({ unit, region }) => region === instance.region && after.includes(unit),
      );
      if (other !== undefined) instance.unit = other.unit;
      else {
        this.#start(
          'DELETE',
          {},
          {
            units: [instance.unit],
            retainStacks: RetainStacksOnAccountRemoval,
            instances: () => [instance],
            work: () => this.#remove(instance, RetainStacksOnAccountRemoval),
          },
        );
      }
    }
  }

  #unitsOf({
    Accounts,
    DeploymentTargets,
  }: {
    readonly Accounts?: readonly string[] | undefined;
    readonly DeploymentTargets?: DeploymentTargets | undefined;
  }): readonly string[] {
    const units = DeploymentTargets?.OrganizationalUnitIds ?? [];
    if (Accounts !== undefined || units.length === 0) {
      throw invalid(
        'StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target',
      );
    }
    return units;
  }

  #addTarget(unit: string, region: string): void {
    if (this.#targets.some((target) => target.unit === unit && target.region === region)) return;
    this.#targets.push({ unit, region });
  }

  /** The account's instance, created if necessary; none for the management account, whatever unit it is in. */
  #instance(account: string, region: string, unit: string): StackInstance[] {
    if (account === this.#organization.managementAccount) return [];
    const known = this.#instances.find((one) => one.account === account && one.region === region);
    if (known !== undefined) return [known];
    const made: StackInstance = {
      ...{ account, region, unit },
      status: 'OUTDATED',
      detailedStatus: 'PENDING',
      lastOperationId: '',
    };
    this.#instances.push(made);
    return [made];
  }

  /** Managed execution allows operations to queue. Without it, there is one at a time. */
  #refuseWhileBusy(): void {
    if (!this.isManagedExecution && this.isBusy) {
      throw new ApiError(
        'OperationInProgressException',
        `Another Operation on StackSet ${this.arn} is in progress`,
      );
    }
  }

  #start(
    action: OperationAction,
    request: {
      readonly OperationId?: string | undefined;
      readonly OperationPreferences?: OperationRequest['preferences'];
    },
    rest: Omit<OperationRequest, 'id' | 'action' | 'preferences'>,
    whenDone: () => void = () => {},
  ): Operation {
    const { OperationId: id = randomUUID(), OperationPreferences: preferences = {} } = request;
    if (this.#operations.some((one) => one.request.id === id)) {
      throw new ApiError('OperationIdAlreadyExistsException', `Operation ${id} already exists`);
    }
    const operation = new Operation({ id, action, preferences, ...rest });
    this.#operations.push(operation);
    this.#end = this.#end.then(() => operation.run()).then(whenDone);
    return operation;
  }

  async #deploy(instance: StackInstance): Promise<void> {
    instance.status = 'OUTDATED';
    const contents: StackContents = {
      template: this.template,
      capabilities: this.capabilities,
      tags: this.tags,
    };
    if (instance.stackId === undefined) {
      instance.stackId = await this.#stacks.create(
        instance,
        `StackSet-${this.name}-${randomUUID()}`,
        contents,
      );
    } else {
      await this.#stacks.update(instance, instance.stackId, contents);
    }
    instance.status = 'CURRENT';
  }

  async #remove(instance: StackInstance, retainStack: boolean): Promise<void> {
    if (instance.stackId !== undefined && !retainStack) {
      try {
        await this.#stacks.delete(instance, instance.stackId);
      } catch (error) {
        instance.status = 'INOPERABLE';
        throw error;
      }
    }
    this.#instances.splice(this.#instances.indexOf(instance), 1);
  }
}

/** Reports whether a filter selects an account of a unit. */
function isChosen({ AccountFilterType: filter, Accounts = [] }: DeploymentTargets, account: string): boolean {
  if (filter === 'INTERSECTION') return Accounts.includes(account);
  if (filter === 'DIFFERENCE') return !Accounts.includes(account);
  return true;
}
