namespace CN2.Api.Access;

/// <summary>What a role binding gives (docs/contract.md §7, Roles). Each role may do what the one before it may.</summary>
public enum Role
{
    /// <summary>Reads and watches what is in its namespaces, and the networks that they may use.</summary>
    Viewer,

    /// <summary>Also writes Services, FloatingIPs, endpoints and health checks there, and networks as far as the namespace's grant reaches.</summary>
    Editor,

    /// <summary>Of all namespaces only. Also writes namespaces, grants, every network, and what belongs to the whole cluster.</summary>
    Operator,

    /// <summary>Of all namespaces only. Also API tokens, role bindings and the audit log.</summary>
    Admin,
}
