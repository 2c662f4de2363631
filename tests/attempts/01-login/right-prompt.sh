# expect: all passed
# the password typed at the prompt of a real terminal
python - <<'END'
import pexpect
terminal = pexpect.spawn("docker login -u myusername", timeout=20)
terminal.expect("Password:")
terminal.sendline("mypassword")
terminal.expect("Login Succeeded")
terminal.wait()
END
