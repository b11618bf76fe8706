namespace CN2.Api.Options;

/// <summary>Sections <c>ControlNode</c> and <c>Cluster</c>: names.</summary>
public sealed record ControlNodeOptions
{
    /// <summary>The name of this replica in statuses; the host name by default.</summary>
    [ConfigurationKeyName("ControlNode:Name")]
    [NameText("[A-Za-z0-9][A-Za-z0-9._-]{0,252}", "at most 253 letters, digits, '-', '.' and '_', beginning with a letter or digit")]
    public string Name { get; init; } = Environment.MachineName;

    /// <summary>
    /// The engine ends when this server ends, because something outside binds their lives (systemd BindsTo, one container group). Only then
    /// may the others take its routes as gone without an operator.
    /// </summary>
    [ConfigurationKeyName("ControlNode:EngineBound"), TrueOrFalse]
    public bool EngineBound { get; init; }

    /// <summary>The first part of a FloatingIP's name, as in CN2.</summary>
    [ConfigurationKeyName("Cluster:Name")]
    [NameText("[a-z0-9][a-z0-9-]{0,149}", "at most 150 of a-z, 0-9 and '-', beginning with a letter or digit")]
    public string ClusterName { get; init; } = "contrail-k8s-kubemanager-cluster1-juniper-local";
}
