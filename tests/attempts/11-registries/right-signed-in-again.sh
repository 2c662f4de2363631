# expect: all passed
# after the token ended, a new one, and one more push of the same image
seven
expired
at to_ecr fixed moved
table reflection="$why"
