# expect: all passed
PROJECT=team SHOP=harbor.lab/team/web/shop
secured
