import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Capability,
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  type StackStatus,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import {
  GetRoleCommand,
  IAMClient,
  ListRoleTagsCommand,
  TagRoleCommand,
  UntagRoleCommand,
} from '@aws-sdk/client-iam';
import { isAwsError } from '../../../lambdas/aws/errors.ts';
import type { Tag } from './api.ts';
import { namedRoles } from './template.ts';

/** The place of a stack. */
export interface StackPlace {
  readonly account: string;
  readonly region: string;
}

/** The contents of a stack. */
export interface StackContents {
  readonly template: string;
  readonly capabilities: readonly Capability[];
  readonly tags: readonly Tag[];
}

/** A failed stack: the reason that AWS would give for the account's stack. */
export class StackFailure extends Error {}

/**
 * Creates stacks in accounts, each as the account itself: with the local AWS's own CloudFormation, corrected where that
 * differs from AWS.
 */
export class AccountStacks {
  readonly #endpoint: string;
  readonly #lookMilliseconds: number;

  constructor(endpoint: string, lookMilliseconds: number) {
    this.#endpoint = endpoint;
    this.#lookMilliseconds = lookMilliseconds;
  }

  /**
   * @returns the stack's id
   * @throws StackFailure, and then nothing of the stack is left
   */
  async create(place: StackPlace, name: string, contents: StackContents): Promise<string> {
    const { template, capabilities, tags } = contents;
    await this.#refuseTakenNames(place, template);
    const { StackId } = await this.#cloudFormation(place).send(
      new CreateStackCommand({
        StackName: name,
        TemplateBody: template,
        Capabilities: [...capabilities],
        Tags: [...tags],
      }),
    );
    const id = StackId ?? name;
    const status = await this.#settled(place, id);
    if (status !== 'CREATE_COMPLETE') {
      const reason = await this.#reason(place, id);
      // The local AWS keeps what was created before the failure; AWS rolls it back.
      await this.#delete(place, id);
      throw new StackFailure(reason);
    }
    await this.#tagRoles(place, id, tags);
    return id;
  }

  /** @throws StackFailure */
  async update(place: StackPlace, id: string, contents: StackContents): Promise<void> {
    const { template, capabilities, tags } = contents;
    try {
      await this.#cloudFormation(place).send(
        new UpdateStackCommand({
          StackName: id,
          TemplateBody: template,
          Capabilities: [...capabilities],
          Tags: [...tags],
        }),
      );
    } catch (error) {
      // A StackSet with changes of tags only, which the local AWS ignores.
      if (!isAwsError(error, 'ValidationError') || !/No updates/.test(String(error))) throw error;
    }
    const status = await this.#settled(place, id);
    if (status === undefined || !['CREATE_COMPLETE', 'UPDATE_COMPLETE'].includes(status)) {
      throw new StackFailure(await this.#reason(place, id));
    }
    await this.#tagRoles(place, id, tags);
  }

  /** @throws StackFailure */
  async delete(place: StackPlace, id: string): Promise<void> {
    const status = await this.#delete(place, id);
    if (status !== undefined && status !== 'DELETE_COMPLETE') {
      throw new StackFailure(await this.#reason(place, id));
    }
  }

  async #delete(place: StackPlace, id: string): Promise<StackStatus | undefined> {
    await this.#cloudFormation(place).send(new DeleteStackCommand({ StackName: id }));
    return await this.#settled(place, id);
  }

  /** A role of the same name: the local AWS would treat it as the stack's, and delete it with the failed stack. */
  async #refuseTakenNames(place: StackPlace, template: string): Promise<void> {
    for (const { id, name } of namedRoles(template)) {
      try {
        await this.#iam(place).send(new GetRoleCommand({ RoleName: name }));
      } catch (error) {
        if (isAwsError(error, 'NoSuchEntity')) continue;
        throw error;
      }
      throw new StackFailure(
        `ResourceLogicalId:${id}, ResourceType:AWS::IAM::Role, ResourceStatusReason:${name} already exists.`,
      );
    }
  }

  /** @returns the final status; undefined for a missing stack */
  async #settled(place: StackPlace, id: string): Promise<StackStatus | undefined> {
    for (;;) {
      try {
        const { Stacks = [] } = await this.#cloudFormation(place).send(
          new DescribeStacksCommand({ StackName: id }),
        );
        const status = Stacks[0]?.StackStatus;
        if (status?.endsWith('_IN_PROGRESS') !== true) return status;
      } catch (error) {
        if (isAwsError(error, 'ValidationError')) return undefined;
        throw error;
      }
      await sleep(this.#lookMilliseconds);
    }
  }

  async #reason(place: StackPlace, id: string): Promise<string> {
    const { StackEvents = [] } = await this.#cloudFormation(place).send(
      new DescribeStackEventsCommand({ StackName: id }),
    );
    const failed = StackEvents.find(
      ({ ResourceStatus, ResourceStatusReason }) =>
        ResourceStatus?.endsWith('_FAILED') === true && ResourceStatusReason !== undefined,
    );
    if (failed === undefined) return `the stack ${id} failed`;
    const { LogicalResourceId, ResourceType, ResourceStatusReason } = failed;
    return `ResourceLogicalId:${LogicalResourceId}, ResourceType:${ResourceType}, ResourceStatusReason:${ResourceStatusReason}`;
  }

  /** AWS sets a stack's tags on its resources, the local AWS only on the stack. Here, only on roles. */
  async #tagRoles(place: StackPlace, id: string, tags: readonly Tag[]): Promise<void> {
    const iam = this.#iam(place);
    const { StackResources = [] } = await this.#cloudFormation(place).send(
      new DescribeStackResourcesCommand({ StackName: id }),
    );
    for (const { ResourceType, PhysicalResourceId: RoleName } of StackResources) {
      if (ResourceType !== 'AWS::IAM::Role') continue;
      const { Tags = [] } = await iam.send(new ListRoleTagsCommand({ RoleName }));
      const old = Tags.flatMap(({ Key = '' }) => (tags.some((tag) => tag.Key === Key) ? [] : Key));
      if (old.length > 0) await iam.send(new UntagRoleCommand({ RoleName, TagKeys: old }));
      if (tags.length > 0) await iam.send(new TagRoleCommand({ RoleName, Tags: [...tags] }));
    }
  }

  #cloudFormation(place: StackPlace): CloudFormationClient {
    return new CloudFormationClient(this.#settings(place));
  }

  #iam(place: StackPlace): IAMClient {
    return new IAMClient(this.#settings(place));
  }

  #settings({ account, region }: StackPlace) {
    return {
      endpoint: this.#endpoint,
      region,
      credentials: { accessKeyId: account, secretAccessKey: 'simulated' },
    };
  }
}
