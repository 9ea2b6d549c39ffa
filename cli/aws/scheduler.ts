export { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
