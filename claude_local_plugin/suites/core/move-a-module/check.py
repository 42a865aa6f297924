from claude_local_plugin.evaluation.judging import (
    found,
    is_exactly,
    only_changed,
    original,
    python,
    unit_tests_pass,
    wrong,
)

only_changed("util.py", "mail/addresses.py", "mail/send.py", "mail/receive.py", "test_mail.py")
if "util.py" in found():
    wrong("util.py is still there")
is_exactly("mail/addresses.py", original("util.py"))
if python("import mail.send; answer(mail.send.checked('Ann@EXAMPLE.org'))") != "ann@example.org":
    wrong("mail.send.checked is wrong")
if python("import mail.receive; answer(mail.receive.sender('From: Bo@x.org'))") != "bo@x.org":
    wrong("mail.receive.sender is wrong")
unit_tests_pass(least=2)
