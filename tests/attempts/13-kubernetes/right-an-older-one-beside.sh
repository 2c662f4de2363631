# expect: all passed
whole; META='name: shop'
deployment $IMAGE:v1.0.0 | keep a-shop.yaml
META='name: myapp'
deployment | keep app.yaml
