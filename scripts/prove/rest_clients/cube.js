// Calls Cube's driver: PORT USER PASSWORD STEP; the last line of output is JSON.

const { DremioDriver } = require('@cubejs-backend/dremio-driver');

const [port, user, password, step] = process.argv.slice(2);
const driver = new DremioDriver({ host: '127.0.0.1', port, user, password, database: 'Sales' });

const steps = {
  connect: async () => Boolean(await driver.testConnection()),
  rows: () => driver.query('SELECT * FROM Sales.orders ORDER BY order_id LIMIT 1200'),
  parameters: () =>
    driver.query(
      'SELECT order_id FROM Sales.orders WHERE status = ? AND order_id < ? ORDER BY order_id',
      ['SHIPPED', 20],
    ),
  schema: () => driver.tablesSchema(),
};

steps[step]().then(
  (value) => console.log(JSON.stringify(value)),
  (error) => {
    console.error(error.response ? JSON.stringify(error.response.data) : error.message);
    process.exit(1);
  },
);
