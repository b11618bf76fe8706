using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Patches;
using static CN2.Api.Tests.Kubernetes.Patches.Forms;

namespace CN2.Api.Tests.Kubernetes.Patches;

public class ManagedFieldsTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static JsonObject Spec(string spec, string metadata = "'name':'s'") => Tree($"{{'apiVersion':'v1','kind':'Service','metadata':{{{metadata}}},'spec':{spec}}}");

    private static PatchResult TryApply(JsonObject? live, string spec, string manager, bool force = false, int after = 0) =>
        ManagedFields.Apply(Definition, live, Spec(spec), new FieldManager(manager), force, Start.AddMinutes(after));

    private static JsonObject Apply(JsonObject? live, string spec, string manager, bool force = false, int after = 0) => Done(TryApply(live, spec, manager, force, after));

    private static JsonObject Update(JsonObject? old, JsonObject updated, string manager, string subresource = "", int after = 0) =>
        Done(ManagedFields.Update(Definition, old, updated, new FieldManager(manager, subresource), Start.AddMinutes(after)));

    private static List<ManagedFieldsEntry> Owners(JsonObject value) => ManagedFieldsEntry.Read(value["metadata"]!["managedFields"]).Entries!;

    private static string? Fields(JsonObject value, string manager) => Owners(value).Find(e => e.Manager == manager)?.Fields.ToString();

    private static JsonObject With(JsonObject value, Action<JsonObject> change)
    {
        var changed = value.DeepClone().AsObject();
        change(changed);
        return changed;
    }

    private static JsonObject WithoutOwners(JsonObject value) => With(value, v => v["metadata"]!.AsObject().Remove("managedFields"));

    [Fact]
    public void Who_creates_owns_what_is_set_and_who_changes_takes_it()
    {
        var created = Update(null, Spec("{'type':'a','externalIP':'1'}"), "first");
        Assert.Equal("""{"f:spec":{"f:externalIP":{},"f:type":{}}}""", Fields(created, "first"));
        var changed = Update(created, With(created, v => v["spec"]!["type"] = "b"), "second", after: 1);
        Assert.Equal("""{"f:spec":{"f:externalIP":{}}}""", Fields(changed, "first"));
        Assert.Equal("""{"f:spec":{"f:type":{}}}""", Fields(changed, "second"));
        var removed = Update(changed, With(changed, v => v["spec"]!.AsObject().Remove("externalIP")), "second", after: 2);
        Assert.Equal("second", Assert.Single(Owners(removed)).Manager);
        Assert.Equal(Start.AddMinutes(1), Owners(removed)[0].Time);
        AssertSame(removed, Update(removed, removed, "third", after: 3));
    }

    [Fact]
    public void Status_has_an_entry_of_its_own()
    {
        var created = Update(null, Spec("{'type':'a'}"), "m");
        var ready = Update(created, With(created, v => (v["status"], v["spec"]!["type"]) = (Tree("{'ready':true}"), "z")), "m", "status");
        var entry = Owners(ready).Find(e => e.Subresource == "status")!;
        Assert.Equal("""{"f:status":{".":{},"f:ready":{}}}""", entry.Fields.ToString());
        Assert.Equal("status", ready["metadata"]!["managedFields"]!.AsArray().Single(e => e!["subresource"] is not null)!["subresource"]!.GetValue<string>());
        Assert.Equal("""{"f:spec":{"f:type":{}}}""", Fields(ready, "m"));
    }

    [Fact]
    public void An_apply_removes_what_it_applied_before_and_leaves_what_others_own()
    {
        var live = Apply(null, "{'type':'a','externalIP':'1','ports':[{'port':80},{'port':443,'name':'x'}]}", "one");
        live = Apply(live, "{'ports':[{'port':443,'name':'x'}],'sources':['s']}", "two", after: 1);
        live = Apply(live, "{'type':'a'}", "one", after: 2);
        AssertSame(Tree("{'type':'a','ports':[{'port':443,'name':'x'}],'sources':['s']}"), live["spec"]);
        live = Apply(live, "{'type':'a'}", "two", force: true, after: 3);
        AssertSame(Tree("{'type':'a'}"), live["spec"]);
        Assert.Equal("""{"f:spec":{"f:type":{}}}""", Fields(live, "two"));
    }

    [Fact]
    public void A_field_of_another_manager_is_a_conflict_that_force_takes()
    {
        var live = Update(null, Spec("{'type':'a','externalIP':'1'}"), "kubectl-edit");
        var conflict = Assert.IsType<PatchResult.Conflicted>(TryApply(live, "{'type':'b'}", "ci"));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .spec.type", conflict.Message);
        Assert.Equal((".spec.type", "conflict with \"kubectl-edit\" using v1"), (conflict.Conflicts[0].Field, conflict.Conflicts[0].CauseMessage));
        live = Apply(live, "{'type':'b'}", "ci", force: true);
        Assert.Equal("""{"f:spec":{"f:externalIP":{}}}""", Fields(live, "kubectl-edit"));
        live = Apply(live, "{'ports':[{'port':80,'name':'p'}]}", "ports");
        conflict = Assert.IsType<PatchResult.Conflicted>(TryApply(live, "{'type':'c','externalIP':'2','ports':[{'port':80,'name':'q'}]}", "late"));
        Assert.Equal("Apply failed with 3 conflicts: conflicts with \"ci\":\n- .spec.type\nconflicts with \"kubectl-edit\" using v1:\n- .spec.externalIP\n"
            + "conflicts with \"ports\":\n- .spec.ports[port=80,protocol=\"TCP\"].name", conflict.Message);
        Assert.IsType<PatchResult.Done>(TryApply(live, "{'type':'b'}", "late"));
    }

    [Theory]
    [InlineData("{'ports':[{'port':80},{'port':80,'protocol':'TCP'}]}", "duplicate entries for key [port=80,protocol=\"TCP\"]")]
    [InlineData("{'ports':[{'name':'x','protocol':{}}]}", "protocol")]
    [InlineData("{'ports':[null]}", "no object")]
    public void An_applied_list_whose_items_are_not_distinct_is_refused(string spec, string text) =>
        Assert.Contains(text, Assert.IsType<PatchResult.Refused>(TryApply(null, spec, "m")).Message, StringComparison.Ordinal);

    [Fact]
    public void What_the_server_sets_cannot_be_applied()
    {
        var live = Update(null, Spec("{'type':'a'}", "'name':'s','uid':'u','resourceVersion':'5'"), "m");
        var applied = Tree("{'apiVersion':'v1','kind':'Service','metadata':{'name':'s','uid':'x','resourceVersion':'1'},'spec':{'sources':['a']},'status':{'ready':true}}");
        var result = Done(ManagedFields.Apply(Definition, live, applied, new FieldManager("n"), force: false, Start));
        AssertSame(Tree("{'name':'s','uid':'u','resourceVersion':'5'}"), WithoutOwners(result)["metadata"]);
        Assert.Null(result["status"]);
        Assert.Equal("""{"f:spec":{"f:sources":{}}}""", Fields(result, "n"));
        applied["metadata"]!["managedFields"] = new JsonArray();
        Assert.Equal("metadata.managedFields must be nil", Assert.IsType<PatchResult.Refused>(ManagedFields.Apply(Definition, live, applied, new FieldManager("n"), force: true, Start)).Message);
    }

    [Fact]
    public void Owners_can_be_reset_and_malformed_ones_are_refused()
    {
        var live = Update(null, Spec("{'type':'a'}"), "m");
        foreach (var reset in (string[])["[]", "[{}]"])
            Assert.Null(Update(live, With(live, v => v["metadata"]!["managedFields"] = Node(reset)), "m")["metadata"]!["managedFields"]);
        foreach (var bad in (string[])["1", "[1]", "[{'manager':'m'}]", "[{},{}]", "[{'manager':1}]", "[{'manager':'m','operation':'Update','apiVersion':'v1','fieldsType':'FieldsV1','fieldsV1':{'x':1}}]",
            "[{'manager':'m','operation':'Update','apiVersion':'v1','fieldsType':'FieldsV2'}]", "[{'manager':'m','operation':'Update','apiVersion':'v1','fieldsType':'FieldsV1','time':'noon'}]"])
        {
            var result = ManagedFields.Update(Definition, live, With(live, v => v["metadata"]!["managedFields"] = Node(bad)), new FieldManager("m"), Start);
            Assert.Equal(PatchRefusal.Invalid, Assert.IsType<PatchResult.Refused>(result).Reason);
        }

        AssertSame(live, Update(live, WithoutOwners(live), "m", after: 5));
        var applied = Apply(WithoutOwners(live), "{'sources':['x']}", "ci");
        Assert.Equal("""{"f:spec":{"f:type":{}}}""", Fields(applied, "before-first-apply"));
    }

    [Fact]
    public void Old_updates_become_one_entry()
    {
        var live = Update(null, Spec("{'type':'a'}"), "m");
        for (var i = 0; i < 15; i++) live = Update(live, With(live, v => (v["metadata"]!["labels"] ??= new JsonObject()).AsObject().Add($"l{i}", "x")), $"m{i}", after: i + 1);
        Assert.Equal(ManagedFields.MaxUpdateManagers, Owners(live).Count);
        Assert.Contains("f:l0", Fields(live, "ancient-changes"), StringComparison.Ordinal);
        Assert.Contains("f:l14", Fields(live, "m14"), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_sequence_of_applies_keeps_its_promises()
    {
        var random = new Random(11);
        for (var round = 0; round < 200; round++)
        {
            JsonObject? live = null;
            for (var step = 0; step < 6; step++)
            {
                var manager = new FieldManager($"m{random.Next(3)}");
                var wanted = RandomObjects.Next(random);
                var before = live;
                live = Done(ManagedFields.Apply(Definition, live, wanted, manager, force: true, Start.AddMinutes(step)));

                AssertSame(live, Done(ManagedFields.Apply(Definition, live, wanted, manager, force: false, Start.AddHours(1))));
                var owned = Owners(live).Aggregate(FieldSet.Empty, (all, e) => all.Union(e.Fields));
                var present = FieldWalk.FieldsOf(WithoutOwners(live), Service);
                var unowned = present.Except(owned).Paths().Select(p => string.Concat(p)).Except([".apiVersion", ".kind", ".metadata.name"]);
                Assert.Empty(unowned);
                if (before is null) AssertSame(wanted, WithoutOwners(live));

                var guest = Done(ManagedFields.Apply(Definition, live, Tree("{'metadata':{'labels':{'guest':'x'}}}"), new FieldManager("guest"), force: false, Start));
                AssertSame(live, Done(ManagedFields.Apply(Definition, guest, Tree("{'metadata':{}}"), new FieldManager("guest"), force: false, Start)));
            }
        }
    }
}
