// Segment's SDK for Node.js: ADDRESS KEY NAME VIEWS
import { Analytics } from '@segment/analytics-node'

const [address, key, name, views] = process.argv.slice(2)
const userId = `${name}-user`
const anonymousId = `${name}-device`
const products = [{ product_id: 'tea', price: 4.5, quantity: 2 }]

const analytics = new Analytics({ writeKey: key, host: address })
analytics.on('error', (error) => console.error(error))
analytics.identify({ userId, anonymousId, traits: { email: `${name}@example.com` } })
analytics.track({ userId, event: 'Order Completed', properties: { order_id: `${name}-order`, currency: 'EUR', products } })
analytics.page({ userId, name: 'Home', properties: { path: '/home' } })
analytics.alias({ previousId: `${name}-old`, userId })
analytics.group({ userId, groupId: 'shop' })
for (let view = 0; view < Number(views); view++) {
  analytics.track({ anonymousId, event: 'Product Viewed', properties: { product_id: `tea-${view}` } })
}
await analytics.closeAndFlush({ timeout: 60_000 })
