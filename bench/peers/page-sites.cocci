// Every use of a page's fields, types through the headers that the options give it.
@site@
struct page *P;
identifier F = {mapping, index, private};
position q;
@@
P@q->F

@script:python@
q << site.q;
@@
for each in q:
    print("SITE %s:%s" % (each.file, each.line))
