export { ModifyClusterCommand, paginateDescribeClusters, RedshiftClient } from '@aws-sdk/client-redshift';
