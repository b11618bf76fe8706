using System.Text.Json.Nodes;
using CN2.Api.Audit;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Audit;

public sealed class FieldChangesTests
{
    [Theory]
    [InlineData("""{"a":1}""", """{"a":1}""", "")]
    [InlineData("""{"a":1}""", """{"a":2,"b":3}""", "a")]
    [InlineData("""{"a":null}""", "{}", "")]
    [InlineData("""{"a":null}""", """{"a":[]}""", "")]
    [InlineData("""{"a":{}}""", "{}", "")]
    [InlineData("""{"a":{"b":1,"c":2}}""", """{"a":{"b":1,"d":2}}""", "a.c a.d")]
    [InlineData("""{"labels":{"x.y/z":"1"}}""", """{"labels":{"x.y/z":"2"}}""", "labels[x.y/z]")]
    [InlineData("""{"p":[{"n":1},{"n":2}]}""", """{"p":[{"n":1},{"n":3},{"n":4}]}""", "p[1].n p[2]")]
    [InlineData("""{"p":["a","b"]}""", """{"p":["a"]}""", "p[1]")]
    [InlineData("""{"p":"a"}""", """{"p":{"q":1}}""", "p")]
    [InlineData("""{"p":null}""", """{"p":5}""", "p")]
    public void Paths_of_what_differs(string before, string after, string expected) =>
        Assert.Equal(expected, string.Join(' ', FieldChanges.Of(JsonNode.Parse(before)!.AsObject(), JsonNode.Parse(after)!.AsObject())));

    [Fact]
    public void Many_changes_and_long_names_are_cut()
    {
        var before = new JsonObject { ["a"] = new JsonObject(Enumerable.Range(0, 500).Select(i => KeyValuePair.Create($"{new string('k', 400)}{i}", (JsonNode?)i))) };
        var found = FieldChanges.Of(before, []);
        Assert.Equal(Limits.AuditedFields, found.Count);
        Assert.All(found, f => Assert.True(f.Length <= 253));
        Assert.Equal(["a[x?y]"], FieldChanges.Of(new JsonObject { ["a"] = new JsonObject { ["x\ny"] = 1 } }, []));
    }
}
