using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Patches;
using static CN2.Api.Tests.Kubernetes.Patches.Forms;

namespace CN2.Api.Tests.Kubernetes.Patches;

public class JsonPatchTests
{
    [Theory]
    [InlineData("{'a':1}", "[{'op':'add','path':'/b','value':2}]", "{'a':1,'b':2}")]
    [InlineData("{'a':[1,3]}", "[{'op':'add','path':'/a/1','value':2},{'op':'add','path':'/a/-','value':4}]", "{'a':[1,2,3,4]}")]
    [InlineData("{'a':1,'b':2}", "[{'op':'remove','path':'/a'}]", "{'b':2}")]
    [InlineData("{'a':[1,2]}", "[{'op':'replace','path':'/a/0','value':{'x':null}}]", "{'a':[{'x':null},2]}")]
    [InlineData("{'a':{'b':1}}", "[{'op':'move','from':'/a/b','path':'/c'}]", "{'a':{},'c':1}")]
    [InlineData("{'a':{'b':1}}", "[{'op':'copy','from':'/a','path':'/c'},{'op':'replace','path':'/c/b','value':2}]", "{'a':{'b':1},'c':{'b':2}}")]
    [InlineData("{'a/b':{'m~n':1}}", "[{'op':'test','path':'/a~1b/m~0n','value':1.0},{'op':'remove','path':'/a~1b/m~0n'}]", "{'a/b':{}}")]
    [InlineData("{'':{'':1}}", "[{'op':'replace','path':'//','value':2}]", "{'':{'':2}}")]
    [InlineData("{'a':1}", "[{'op':'replace','path':'','value':{'b':1}}]", "{'b':1}")]
    [InlineData("{'a':null}", "[{'op':'test','path':'/a','value':null},{'op':'remove','path':'/a'}]", "{}")]
    public void Operations_run_in_order(string current, string patch, string expected)
    {
        var before = Tree(current);
        AssertSame(Tree(expected), Done(JsonPatch.Apply(before, Node(patch))));
        AssertSame(Tree(current), before);
    }

    [Theory]
    [InlineData("{}", PatchRefusal.Malformed)]
    [InlineData("[1]", PatchRefusal.Malformed)]
    [InlineData("[{'path':'/a'}]", PatchRefusal.Malformed)]
    [InlineData("[{'op':'add','path':'/b'}]", PatchRefusal.Malformed)]
    [InlineData("[{'op':'add','path':'b','value':1}]", PatchRefusal.Malformed)]
    [InlineData("[{'op':'add','path':'/~2','value':1}]", PatchRefusal.Malformed)]
    [InlineData("[{'op':'copy','path':'/b'}]", PatchRefusal.Malformed)]
    [InlineData("[{'op':'spin','path':'/a'}]", PatchRefusal.Malformed)]
    [InlineData("[{'op':'test','path':'/a','value':2}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'test','path':'/z','value':null}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'remove','path':'/z'}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'remove','path':''}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'replace','path':'/z','value':1}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'add','path':'/z/y','value':1}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'add','path':'/l/3','value':1}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'add','path':'/l/01','value':1}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'remove','path':'/l/-'}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'remove','path':'/l/99999999999'}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'move','from':'/o','path':'/o/p'}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'copy','from':'/z','path':'/o/p'}]", PatchRefusal.Invalid)]
    [InlineData("[{'op':'replace','path':'','value':1}]", PatchRefusal.Invalid)]
    public void What_cannot_be_done_is_refused_and_says_where(string patch, PatchRefusal reason)
    {
        var refused = Assert.IsType<PatchResult.Refused>(JsonPatch.Apply(Tree("{'a':1,'l':[1,2],'o':{}}"), Node(patch)));
        Assert.Equal(reason, refused.Reason);
        Assert.NotEmpty(refused.Message);
    }

    [Fact]
    public void Too_many_operations_are_refused()
    {
        var patch = new JsonArray([.. Enumerable.Range(0, JsonPatch.MaxOperations + 1).Select(_ => Node("{'op':'test','path':'/a','value':1}"))]);
        Assert.Equal(PatchRefusal.TooLarge, Assert.IsType<PatchResult.Refused>(JsonPatch.Apply(Tree("{'a':1}"), patch)).Reason);
    }

    [Fact]
    public void Copies_of_copies_end_at_a_bound()
    {
        var patch = new JsonArray([.. Enumerable.Range(0, 60).Select(_ => Node("{'op':'copy','from':'/a','path':'/a/-'}"))]);
        Assert.IsType<PatchResult.Refused>(JsonPatch.Apply(Tree("{'a':['x']}"), patch));
        var wide = new JsonArray([.. Enumerable.Range(0, 60).Select(i => Node($"{{'op':'copy','from':'/a','path':'/a{i}'}}"))]);
        var refused = Assert.IsType<PatchResult.Refused>(JsonPatch.Apply(new JsonObject { ["a"] = new string('x', 100_000) }, wide));
        Assert.Equal(PatchRefusal.TooLarge, refused.Reason);
    }

    [Fact]
    public void Moves_that_nest_without_end_are_refused()
    {
        var current = new JsonObject();
        for (var i = 0; i <= 500; i++) current[$"a{i}"] = new JsonObject();
        var patch = new JsonArray([.. Enumerable.Range(0, 500).Select(i => Node($"{{'op':'move','from':'/a{i}','path':'/a{i + 1}/b'}}"))]);
        Assert.Equal(PatchRefusal.Invalid, Assert.IsType<PatchResult.Refused>(JsonPatch.Apply(current, patch)).Reason);
    }

    [Fact]
    public void Input_that_is_too_deep_or_no_text_is_refused()
    {
        JsonNode deep = new JsonObject();
        for (var i = 0; i < 5000; i++) deep = new JsonObject { ["a"] = deep };
        Assert.IsType<PatchResult.Refused>(JsonMergePatch.Apply([], deep));
        Assert.IsType<PatchResult.Refused>(StrategicMergePatch.Apply([], deep, Service));
        Assert.IsType<PatchResult.Refused>(ManagedFields.Apply(Definition, null, deep, new FieldManager("m"), force: false, default));
        var half = JsonNode.Parse("""{"spec":{"type":"\ud800"}}""");
        Assert.IsType<PatchResult.Refused>(JsonMergePatch.Apply([], half));
        Assert.IsType<PatchResult.Refused>(ManagedFields.Apply(Definition, null, half, new FieldManager("m"), force: false, default));
        Assert.IsType<PatchResult.Refused>(ManagedFields.Update(Definition, null, half!.AsObject(), new FieldManager("m"), default));
        Assert.IsType<PatchResult.Refused>(JsonMergePatch.Apply([], JsonNode.Parse("""{"a":1,"a":2}""")));
    }

    [Theory]
    [InlineData("{'a':{'b':1,'c':2}}", "{'a':{'b':null,'d':{'e':null,'f':1}}}", "{'a':{'c':2,'d':{'f':1}}}")]
    [InlineData("{'a':[1,2]}", "{'a':[3]}", "{'a':[3]}")]
    [InlineData("{'a':1}", "{'a':{'b':2}}", "{'a':{'b':2}}")]
    public void A_merge_patch_merges_objects_and_replaces_the_rest(string current, string patch, string expected) =>
        AssertSame(Tree(expected), Done(JsonMergePatch.Apply(Tree(current), Tree(patch))));
}
