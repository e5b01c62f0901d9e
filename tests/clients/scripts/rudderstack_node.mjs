// RudderStack's SDK for Node.js: ADDRESS KEY NAME VIEWS
import Analytics from '@rudderstack/rudder-sdk-node'

const [address, key, name, views] = process.argv.slice(2)
const userId = `${name}-user`
const anonymousId = `${name}-device`
const products = [{ product_id: 'tea', price: 4.5, quantity: 2 }]

const analytics = new Analytics(key, { dataPlaneUrl: address })
let waiting = 0
const send = (type, message) => {
  waiting++
  analytics[type](message, (error) => {
    waiting--
    if (error) console.error(String(error))
  })
}
send('identify', { userId, anonymousId, traits: { email: `${name}@example.com` } })
send('track', { userId, event: 'Order Completed', properties: { order_id: `${name}-order`, currency: 'EUR', products } })
send('page', { userId, name: 'Home', properties: { path: '/home' } })
send('alias', { previousId: `${name}-old`, userId })
send('group', { userId, groupId: 'shop' })
for (let view = 0; view < Number(views); view++) {
  send('track', { anonymousId, event: 'Product Viewed', properties: { product_id: `tea-${view}` } })
}
while (waiting > 0) {
  await analytics.flush().catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 20))
}
