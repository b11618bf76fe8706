using CN2.Network.Resources;
using CN2.Network.Selection;

namespace CN2.Network.Tests.Selection;

public sealed class ExternalNetworkSelectionTests
{
    private static readonly Dictionary<string, string> Label = new() { ["service.contrail.juniper.net/externalNetwork"] = "default-external" };
    private static readonly LabelSelector Labelled = LabelSelector.Make(Label, null).Selector!;
    private static readonly NetworkSelector Default = new("default-external", Labelled, LabelSelector.Everything);

    private static readonly Dictionary<string, IReadOnlyDictionary<string, string>> Namespaces = new()
    {
        ["ns1"] = new Dictionary<string, string> { ["ns"] = "ns1" },
        ["ns2"] = new Dictionary<string, string>(),
    };

    [Fact]
    public void A_named_network_wins_over_every_selector_and_needs_no_label()
    {
        var named = Network("ns1/vn-external2", autoAssign: false, labelled: false);
        var chosen = Choose("ns1", "ns1/vn-external2", null, [Network("ns1/vn-external1", priority: 100), named], [Default]);
        Assert.Equal(named, Assert.Single(chosen.Candidates));
        Assert.Equal(named, Assert.Single(Choose("ns1", "vn-external2", null, [named], []).Candidates));
    }

    [Theory]
    [InlineData("vn-external2", "ns1/vn-external2")]
    [InlineData("other/vn", "other/vn")]
    [InlineData("a/b/c", "a/b/c")]
    public void The_message_names_a_network_that_does_not_exist(string name, string said)
    {
        var chosen = Choose("ns1", name, null, [Network("ns1/vn-external1")], [Default]);
        Assert.Empty(chosen.Candidates);
        Assert.Equal(ConditionReason.NetworkNotFound, chosen.Reason);
        Assert.Contains($"ExternalNetwork {said} does not exist", chosen.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Candidates_are_sorted_by_priority_then_namespace_and_name()
    {
        var networks = new[] { Network("ns2/a"), Network("ns1/c", priority: -1), Network("ns1/b"), Network("ns2/z", priority: 7), Network("ns1/a") };
        foreach (var order in new[] { networks, [.. networks.Reverse()] })
        {
            var chosen = Choose("ns1", null, null, order, [Default]);
            Assert.Equal(["ns2/z", "ns1/a", "ns1/b", "ns2/a", "ns1/c"], chosen.Candidates.Select(c => c.Id.ToString()));
            Assert.Null(chosen.Reason);
        }
    }

    [Fact]
    public void A_network_without_autoAssign_or_label_is_never_selected()
    {
        var chosen = Choose("ns1", null, null, [Network("ns1/a", autoAssign: false), Network("ns1/b", labelled: false)], [Default]);
        Assert.Empty(chosen.Candidates);
        Assert.Equal(ConditionReason.NoExternalNetwork, chosen.Reason);
        Assert.Contains("service.contrail.juniper.net/externalNetwork=default-external", chosen.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_absent_namespaceSelector_means_the_services_own_namespace()
    {
        NetworkCandidate[] networks = [Network("ns1/a"), Network("ns2/b")];
        var own = Default with { NamespaceSelector = null };
        Assert.Equal("ns2/b", Assert.Single(Choose("ns2", null, null, networks, [own]).Candidates).Id.ToString());
        var labelled = Default with { NamespaceSelector = LabelSelector.Make(new Dictionary<string, string> { ["ns"] = "ns1" }, null).Selector };
        Assert.Equal("ns1/a", Assert.Single(Choose("ns2", null, null, networks, [labelled]).Candidates).Id.ToString());
        Assert.Equal(2, Choose("ns2", null, null, networks, [Default]).Candidates.Count);
    }

    [Fact]
    public void A_selector_without_a_networkSelector_selects_nothing() =>
        Assert.Equal(ConditionReason.NoExternalNetwork, Choose("ns1", null, null, [Network("ns1/a")], [Default with { Networks = null }]).Reason);

    [Fact]
    public void The_message_names_a_selector_that_does_not_exist()
    {
        var chosen = Choose("ns1", null, "gold", [Network("ns1/a")], [Default]);
        Assert.Equal(ConditionReason.SelectorNotFound, chosen.Reason);
        Assert.Contains("gold", chosen.Message, StringComparison.Ordinal);
        Assert.Equal(ConditionReason.SelectorNotFound, Choose("ns1", null, null, [Network("ns1/a")], []).Reason);
    }

    private static NetworkSelection Choose(string ns, string? network, string? selector, NetworkCandidate[] networks, NetworkSelector[] selectors) =>
        ExternalNetworkSelection.Choose(ns, network, selector, networks, selectors, Namespaces);

    private static NetworkCandidate Network(string id, int priority = 0, bool autoAssign = true, bool labelled = true)
    {
        Assert.True(NamespacedName.TryParse(id, "", out var name));
        return new NetworkCandidate(Guid.NewGuid(), name, labelled ? Label : [], priority, autoAssign);
    }
}
